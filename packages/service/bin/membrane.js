#!/usr/bin/env node
"use strict";
// Every version of Node.js can read this file, node-version.js and open-files.js: one that is too old for the rest says so in one line.
var range = require("../package.json").engines.node;
var complaint =
  require("./node-version.js").complaint(process.version, range) ||
  require("./open-files.js").complaint(limits());
if (complaint === undefined) {
  require("./run.js");
} else {
  process.stderr.write("membrane: " + complaint + "\n");
  process.exitCode = 1;
}

/** What the operating system says; nothing where it is not Linux. */
function limits() {
  var fs = require("fs");
  return fs.existsSync("/proc/self/limits") ? fs.readFileSync("/proc/self/limits", "utf8") : "";
}
