// Revokes the membrane of this job.
import { setTimeout } from "node:timers/promises";
import { fail, perform, readCapability, RefusedError } from "./service.js";

const ATTEMPTS = 5;
const DELAY_MS = 2_000;

try {
  if (process.env["MEMBRANE_REVOKE"] === "") console.log("Nothing was handed over.");
  else await revoke();
} catch (error) {
  fail(error);
}

/** A revoke can be repeated. If none succeeds, the step fails, and the capability ends by itself at the end of its minutes. */
async function revoke() {
  const capability = readCapability("revoke");
  for (let attempt = 1; ; attempt += 1) {
    try {
      await perform(capability);
      return;
    } catch (error) {
      if (attempt === ATTEMPTS || error instanceof RefusedError) throw error;
      await setTimeout(DELAY_MS);
    }
  }
}
