/**
 * Version of this package, as in its package.json.
 *
 * @example
 * /^\d+\.\d+\.\d+/.test(version); // => true
 */
export const VERSION: string = "0.1.0";
