/** @typedef {import("../measure/compare.js").Compared} Compared */

/**
 * Names what a ratio compares.
 *
 * @param {Pick<Compared, "name" | "against" | "isRival">} row
 */
export function labelOf({ name, against, isRival }) {
  return isRival ? name : `${name} / ${against}`;
}
