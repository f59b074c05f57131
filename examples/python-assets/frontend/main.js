import { greeting } from "./greeting.js";
import "./main.css";

document.querySelector("button").addEventListener("click", () => {
  document.querySelector("output").textContent = greeting(new Date());
});
