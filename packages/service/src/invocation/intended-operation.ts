import {
  err,
  MEMBRANE_OPERATION_HEADER,
  MEMBRANE_OPERATIONS,
  parseMembraneOperation,
} from "capability-protocol";
import type { MembraneOperation } from "capability-protocol";
import type { Kind } from "../domain/capability.ts";
import { invalid, PASSED } from "../domain/denial.ts";
import type { Outcome } from "../domain/denial.ts";
import type { Resolution } from "./resolve.ts";

/** The value of `Membrane-Operation` for each kind of capability; there is none for an invocation. */
const OPERATIONS_BY_KIND: Readonly<Record<Kind, MembraneOperation | undefined>> = {
  provision: "provision",
  create: "create",
  query: "query",
  deleteSelf: "delete-self",
  export: "export",
  revoke: "revoke",
  invoke: undefined,
};

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
  if (OPERATIONS_BY_KIND[capability.kind] === wanted) return PASSED;
  if (capability.kind === "invoke" && upstream?.target.forwardsPayloadHash === true) return PASSED;
  return err({ reason: "wrong_capability", wanted });
}
