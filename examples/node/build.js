// A stand-in for a bundler: what `npm run build` makes is in the image.
require("node:fs").writeFileSync("built.json", JSON.stringify({ at: new Date().toISOString() }));
