// What an invocation costs: warm, with a cache that never has the capability, and at a rate at which nothing waits.
import { exportThrough, serve } from "../gateways/membrane.js";
import { endProgram } from "../gateways/start.js";
import { makeCalls, measureCalls, writeTokens } from "../measure/calls.js";
import { measureWindows } from "../measure/windows.js";
import { figureOf, inTurn } from "./rounds.js";

/** @typedef {import("./figure.js").Figure} Figure */
/** @typedef {import("./world.js").World} World */
/** @typedef {import("./world.js").Side} Side */
/** @typedef {import("./run.js").How} How */

const COLD_CAPABILITIES = 64;
/** Calls a second, of which none waits for another. */
const RATE = 100;
const STEADY_SECONDS = 5;
const CALLERS = 32;
const WINDOWS_OF_LAUNCH = 3;

/**
 * @param {World} world
 * @param {How} how
 * @returns {Promise<Figure[]>}
 */
export async function measureWarm({ lmdb, postgres, server }, how) {
  /** @type {import("../measure/windows.js").Window[]} */
  const pairs = [];
  while (pairs.length < how.pairs) pairs.push(...(await measureLaunch(lmdb, postgres, how)));
  const invoke = { kind: /** @type {const} */ ("invoke"), callers: CALLERS, seconds: how.seconds * 4 };
  const { serverMicroseconds } = await measureCalls(
    { ...invoke, urls: [postgres.service.url], tokens: postgres.tokens.invoke },
    { nodes: [], server },
  );
  return [
    {
      what: "warm invocation: CPU of the node",
      unit: "µs",
      lmdb: pairs.map(({ theirs }) => theirs.cpu),
      postgres: pairs.map(({ ours }) => ours.cpu),
      goal: { of: "ratio", atMost: 1.05 },
    },
    {
      what: "warm invocation: throughput",
      unit: "requests/s",
      lmdb: pairs.map(({ theirs }) => theirs.perSecond),
      postgres: pairs.map(({ ours }) => ours.perSecond),
    },
    { what: "warm invocation: CPU of the server", unit: "µs", postgres: [serverMicroseconds] },
  ];
}

/**
 * Measures both in the same few seconds, with a process of each side that was just started: V8 compiles the same code differently from one start to the
 * next, which makes a difference of a third.
 *
 * @param {Side} lmdb
 * @param {Side} postgres
 * @param {How} how
 */
async function measureLaunch(lmdb, postgres, how) {
  const [ours, theirs] = [await launch(postgres), await launch(lmdb)];
  try {
    const { seconds } = how;
    const measuring = { windows: WINDOWS_OF_LAUNCH, seconds, warmSeconds: 4, connections: CALLERS };
    return (await measureWindows({ gateway: ours, against: theirs }, measuring)).windows;
  } finally {
    await endProgram(ours);
    await endProgram(theirs);
  }
}

/** @param {Side} side */
async function launch({ name, store, plain }) {
  return { ...(await serve(store, { name: `${name}, launched` })), token: plain.token };
}

/**
 * @param {World} world
 * @param {How} how
 * @returns {Promise<Figure[]>}
 */
export async function measureCold({ lmdb, postgres, uri }, how) {
  const sides = { lmdb: await startCold(lmdb, uri), postgres: await startCold(postgres, uri) };
  /** @param {typeof sides.lmdb} side @param {number} seconds */
  const measure = (side, seconds) =>
    measureCalls(
      {
        kind: "invoke",
        urls: [side.service.url],
        tokens: side.tokens,
        callers: CALLERS,
        seconds,
        rate: RATE,
      },
      { nodes: [side.service], server: side.server },
    );
  const rounds = await inTurn(sides, how.rounds, measure, how.seconds * 3);
  await endProgram(sides.lmdb.service);
  await endProgram(sides.postgres.service);
  const what = `cold invocation, ${RATE} a second`;
  return [
    figureOf(`${what}: p50`, "ms", rounds, ({ p50 }) => p50),
    figureOf(`${what}: p99`, "ms", rounds, ({ p99 }) => p99),
    figureOf(`${what}: CPU of the node`, "µs", rounds, ({ nodeMicroseconds }) => nodeMicroseconds),
    {
      what: `${what}: CPU of the server`,
      unit: "µs",
      postgres: rounds.postgres.map(({ serverMicroseconds }) => serverMicroseconds),
    },
  ];
}

/**
 * A service whose cache has one entry, and capabilities that are used in turn: each is resolved anew.
 *
 * @param {Side} side
 * @param {string} uri
 */
async function startCold({ name, store, service, server, membrane }, uri) {
  const made = [];
  for (let i = 0; i < COLD_CAPABILITIES; i += 1)
    made.push(await exportThrough(service, membrane.export, { uri }));
  return {
    service: await serve(store, { name: `${name}, cold`, flags: ["--cache-entries", "1"] }),
    server,
    tokens: await writeTokens(`${name}-cold`, made),
  };
}

/**
 * @param {World} world
 * @param {How} how
 * @returns {Promise<Figure[]>}
 */
export async function measureSteady({ lmdb, postgres }, how) {
  /** @param {Side} side @param {number} seconds */
  const measure = ({ service, tokens }, seconds) =>
    makeCalls({
      kind: "invoke",
      urls: [service.url],
      tokens: tokens.invoke,
      callers: CALLERS,
      seconds,
      rate: RATE,
      warmSeconds: 1,
    });
  const rounds = await inTurn({ lmdb, postgres }, how.pairs, measure, STEADY_SECONDS);
  const what = `warm invocation, ${RATE} a second`;
  return [
    {
      ...figureOf(`${what}: p50`, "ms", rounds, ({ p50 }) => p50),
      goal: { of: "ratio", atMost: 1.05 },
    },
    figureOf(`${what}: p99`, "ms", rounds, ({ p99 }) => p99),
  ];
}
