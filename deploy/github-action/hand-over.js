// Makes a membrane for this job, re-exports a capability through it, and keeps both as outputs of the step.
import { appendFileSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { fail, field, parseCapability, perform, readCapability } from "./service.js";

const MS_PER_MINUTE = 60_000;

try {
  await handOver();
} catch (error) {
  fail(error);
}

async function handOver() {
  const create = readCapability("create");
  const original = readCapability("capability");
  const limits = readLimits();
  const membrane = await perform(create, { id: `github-actions ${randomUUID()}` });
  const revoke = parseCapability(field(membrane, "capabilities", "revoke"), "revoke");
  try {
    const through = parseCapability(field(membrane, "capabilities", "export"), "export");
    const label = `${process.env["GITHUB_REPOSITORY"]}, run ${process.env["GITHUB_RUN_ID"]}`;
    const exported = await perform(through, { capability: original.uri, limits, label });
    const { uri, token, url } = parseCapability(field(exported, "capability"), "capability");
    output({ capability: uri, token, url, revoke: revoke.uri });
  } catch (error) {
    // Nothing of a step that fails is left.
    await perform(revoke).catch(fail);
    throw error;
  }
}

/** The limits of the input, with the end of the input unless they have one. */
function readLimits() {
  const minutes = Number(process.env["MEMBRANE_MINUTES"]);
  if (!Number.isInteger(minutes) || minutes < 1)
    throw new Error("minutes: expected a whole number of at least 1");
  /** @type {unknown} */
  const limits = parseJson(process.env["MEMBRANE_LIMITS"] ?? "");
  if (typeof limits !== "object" || limits === null || Array.isArray(limits))
    throw new Error("limits: expected an object in JSON");
  const hasEnd = "ttlMs" in limits || "expiresAt" in limits;
  return hasEnd ? limits : { ...limits, ttlMs: minutes * MS_PER_MINUTE };
}

/** @param {string} text */
function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @param {Readonly<Record<string, string>>} values without line ends */
function output(values) {
  const lines = Object.entries(values).map(([name, value]) => `${name}=${value}\n`);
  appendFileSync(process.env["GITHUB_OUTPUT"] ?? "", lines.join(""));
}
