"use strict";

/**
 * Says what is wrong with a version of Node.js that is too old, in the language of the oldest.
 *
 * @param {string} version as in `process.version`
 * @param {string} range as in `engines.node` of package.json: `>=20.19`
 * @returns {string | undefined} nothing when the version will do
 */
exports.complaint = function (version, range) {
  var least = /^>=(\d+)\.(\d+)$/.exec(range);
  var has = /^v(\d+)\.(\d+)\./.exec(version);
  if (least === null || has === null) return undefined;
  var major = Number(has[1]) - Number(least[1]);
  var minor = Number(has[2]) - Number(least[2]);
  if (major > 0 || (major === 0 && minor >= 0)) return undefined;
  return "Node.js " + version + " is too old: install " + least[1] + "." + least[2] + " or newer";
};
