"use strict";

/** Fewer do not suffice to load the program, and Node.js says then that it cannot find its parts. */
var LEAST = 128;

/**
 * Says what is wrong with a limit of open files that is too low to load the program.
 *
 * @param {string} limits what /proc/self/limits says
 * @returns {string | undefined} nothing when the limit will do, or is not known
 */
exports.complaint = function (limits) {
  var soft = /^Max open files +(\d+)/m.exec(limits);
  if (soft === null || Number(soft[1]) >= LEAST) return undefined;
  return (
    "this process may open " +
    soft[1] +
    " files, too few to start: raise the limit (ulimit -n 4096, or LimitNOFILE= of systemd)"
  );
};
