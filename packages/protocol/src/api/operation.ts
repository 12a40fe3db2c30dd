/** Says what a client means to do, so that a capability of another kind is not used by mistake. */
export const MEMBRANE_OPERATION_HEADER: string = "Membrane-Operation";

/** What `Membrane-Operation` can say: the rights that the service itself answers. */
export const MEMBRANE_OPERATIONS = [
  "create",
  "query",
  "export",
  "revoke",
  "delete-self",
  "provision",
] as const;

export type MembraneOperation = (typeof MEMBRANE_OPERATIONS)[number];

/** @returns nothing for any other text; case counts. */
export function parseMembraneOperation(text: string): MembraneOperation | undefined {
  return MEMBRANE_OPERATIONS.find((operation) => operation === text);
}
