"use strict";
// In a file by itself, since a Node.js that is too old cannot even read this word.
void import("../dist/main.js");
