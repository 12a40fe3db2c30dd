import { request } from "node:http";
import { endProgram } from "../gateways/start.js";
import { anonymousBytes } from "./process.js";
import { median } from "./statistics.js";

const PIECE = Buffer.alloc(64 * 1024, "x");
/** How often memory is read, in milliseconds. */
const LOOK_MS = 20;

const GIB = 1024 ** 3;
/** Bytes of a first body, which warms up pools, buffers and code. */
const WARM_UP_BYTES = 16 * 1024 * 1024;

/**
 * Transfers one gibibyte up and one down, in turn with the floor.
 *
 * @param {import("../world.js").World} world
 * @param {number} rounds
 */
export async function compareTransfers({ service, floor }, rounds) {
  const directions = [
    {
      name: "1 GiB up",
      sides: { ours: service("plain"), theirs: floor() },
      small: { up: WARM_UP_BYTES },
      whole: { up: GIB },
    },
    {
      name: "1 GiB down",
      sides: { ours: service("1 GiB down"), theirs: floor(String(GIB)) },
      small: {},
      whole: { down: GIB },
    },
  ];
  const compared = [];
  for (const { name, sides, small, whole } of directions) {
    const [ours, theirs] = [await sides.ours.start(), await sides.theirs.start()];
    await transfer(ours, small);
    const measured = [];
    while (measured.length < rounds) {
      measured.push({ theirs: await transfer(theirs, whole), ours: await transfer(ours, whole) });
    }
    await endProgram(ours);
    await endProgram(theirs);
    compared.push({
      name,
      ratio: median(measured.map((round) => round.ours.perSecond / round.theirs.perSecond)),
      perSecond: median(measured.map((round) => round.ours.perSecond)),
      grownBytes: Math.max(...measured.map((round) => round.ours.grownBytes)),
    });
  }
  return compared;
}

/** @typedef {{ perSecond: number, grownBytes: number }} Transferred */

/**
 * Sends or fetches one long body, and records the gateway's memory meanwhile.
 *
 * @param {import("../gateways/start.js").Gateway} gateway
 * @param {{ up?: number, down?: number }} bytes
 * @returns {Promise<Transferred>} bytes a second, and the most by which anonymous memory grew
 */
export async function transfer(gateway, { up = 0, down = 0 }) {
  const before = anonymousBytes(gateway.pid);
  let most = before;
  const look = setInterval(() => {
    most = Math.max(most, anonymousBytes(gateway.pid));
  }, LOOK_MS);
  const from = performance.now();
  try {
    const received = await exchange(gateway, up);
    if (received < down) throw new Error(`${received} of ${down} bytes came`);
  } finally {
    clearInterval(look);
  }
  return { perSecond: ((up + down) * 1_000) / (performance.now() - from), grownBytes: most - before };
}

/**
 * @param {{ url: string, token: string }} gateway
 * @param {number} up in bytes
 * @returns {Promise<number>} bytes of the response
 */
function exchange({ url, token }, up) {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, ...(up === 0 ? {} : { "content-length": up }) };
    const sent = request(url, { method: up === 0 ? "GET" : "POST", headers }, (response) => {
      let received = 0;
      if (response.statusCode !== 200) reject(new Error(`expected 200, got ${response.statusCode}`));
      response.on("data", (/** @type {Buffer} */ chunk) => {
        received += chunk.length;
      });
      response.on("error", reject);
      response.on("end", () => resolve(received));
    });
    sent.on("error", reject);
    let left = up;
    const go = () => {
      while (left > 0) {
        const piece = left < PIECE.length ? PIECE.subarray(0, left) : PIECE;
        left -= piece.length;
        if (!sent.write(piece)) return void sent.once("drain", go);
      }
      sent.end();
    };
    go();
  });
}
