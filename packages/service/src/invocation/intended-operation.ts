import {
  err,
  MEMBRANE_OPERATION_HEADER,
  MEMBRANE_OPERATIONS,
  parseMembraneOperation,
} from "capability-protocol";
import { operationOf } from "../domain/capability.ts";
import { invalid, PASSED } from "../domain/denial.ts";
import type { Outcome } from "../domain/denial.ts";
import type { Resolution } from "./resolve.ts";

/**
 * Refuses a request whose client intends another operation than its capability's: a `revoke` with an exported capability
 * would be a POST to the target. For a capability of another authority the header is passed on, and checked there.
 *
 * @param text the header's value.
 */
export function checkOperation(
  text: string,
  { capability, upstream }: Pick<Resolution, "capability" | "upstream">,
): Outcome<undefined> {
  const wanted = parseMembraneOperation(text);
  if (wanted === undefined)
    return invalid(MEMBRANE_OPERATION_HEADER, `one of ${MEMBRANE_OPERATIONS.join(", ")}`);
  if (operationOf(capability.kind) === wanted) return PASSED;
  if (capability.kind === "invoke" && upstream?.target.isMembraneService === true) return PASSED;
  return err({ reason: "wrong_capability", wanted });
}
