#!/usr/bin/env node
"use strict";
// Every version of Node.js can run this file and node-version.js; one that is too old for the rest says so in one line.
var range = require("../package.json").engines.node;
var complaint = require("./node-version.js").complaint(process.version, range);
if (complaint === undefined) {
  require("./run.js");
} else {
  process.stderr.write("capi: " + complaint + "\n");
  process.exitCode = 1;
}
