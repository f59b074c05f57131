const { createServer } = require("node:http");
const ms = require("ms");
const { at } = require("./built.json");

const port = process.env.PORT || 5000;

createServer((request, response) => {
  if (request.url === "/health") return response.end("ok\n");
  const age = ms(Date.now() - new Date(at), { long: true });
  response.end(`Hello from release ${process.env.RELEASE_VERSION || "your laptop"}, built ${age} ago\n`);
}).listen(port, () => console.log(`listening on ${port}`));
