/** Names the operation that a client intends, so that a capability of another kind is not used by mistake. */
export const MEMBRANE_OPERATION_HEADER: string = "Membrane-Operation";

/** The values of `Membrane-Operation`: the operations of the service itself. */
export const MEMBRANE_OPERATIONS = [
  "create",
  "query",
  "export",
  "revoke",
  "delete-self",
  "provision",
] as const;

export type MembraneOperation = (typeof MEMBRANE_OPERATIONS)[number];

/** @returns nothing for any other text; case-sensitive. */
export function parseMembraneOperation(text: string): MembraneOperation | undefined {
  return MEMBRANE_OPERATIONS.find((operation) => operation === text);
}
