// A single page that shows what its address names: the server gives index.html for every path that is no file.
const pages = {
  "/": "Hello from a folder of files.",
  "/about": "Reload this page: it is not a file, and it is here all the same.",
};

function show() {
  const person = location.pathname.match(/^\/people\/(\w+)$/);
  document.querySelector("main").textContent = person
    ? `This is the page of ${person[1]}.`
    : pages[location.pathname] ?? `There is nothing at ${location.pathname}.`;
}

document.querySelector("nav").addEventListener("click", (event) => {
  if (event.target.pathname) {
    event.preventDefault();
    history.pushState(null, "", event.target.pathname);
    show();
  }
});
addEventListener("popstate", show);
show();
