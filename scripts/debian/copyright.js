/** @import { listPackages } from "./tree.js" */

const HEAD = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Membrane Service
Comment: The packages of npm below are included as they were published. The text
 of each license is next to its package.

Files: *
Copyright: the authors of Membrane Service
License: Apache-2.0
 On Debian systems the text of the Apache License, version 2.0, is in
 /usr/share/common-licenses/Apache-2.0.
`;

/**
 * Writes the copyright file in the format of Debian (DEP-5).
 *
 * @param {Awaited<ReturnType<typeof listPackages>>} packages
 * @param {string} tree where they are, without the first slash.
 */
export function formatCopyright(packages, tree) {
  const parts = packages.map(
    ({ path, name, version, license }) =>
      `Files: ${tree}/${path}/*\nCopyright: the authors of ${name} ${version}\nLicense: ${license}\n See the files in /${tree}/${path}.\n`,
  );
  return [HEAD, ...parts].join("\n");
}
