"use strict";
// A separate file, since a Node.js that is too old cannot parse `import`.
var main = require("node:path").join(__dirname, "..", "dist", "main.js");
if (require("node:fs").existsSync(main)) {
  void import("../dist/main.js");
} else {
  process.stderr.write(
    "capi: not built yet: install all with npm ci, or bring packages/*/dist of a built checkout\n",
  );
  process.exitCode = 1;
}
