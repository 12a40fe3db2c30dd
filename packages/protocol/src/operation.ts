/**
 * Request header with the operation that the client intends, so that a capability of another kind is not used by mistake.
 *
 * @example
 * const headers = new Headers({ [MEMBRANE_OPERATION_HEADER]: "revoke" });
 * headers.get("membrane-operation"); // => "revoke"
 */
export const MEMBRANE_OPERATION_HEADER: string = "Membrane-Operation";

/**
 * The values of `Membrane-Operation`: the operations of the service itself.
 *
 * @example
 * MEMBRANE_OPERATIONS.includes("revoke"); // => true
 */
export const MEMBRANE_OPERATIONS = [
  "create",
  "query",
  "export",
  "revoke",
  "delete-self",
  "provision",
] as const;

/**
 * @example
 * const operation: MembraneOperation = "delete-self";
 * parseMembraneOperation(operation); // => operation
 */
export type MembraneOperation = (typeof MEMBRANE_OPERATIONS)[number];

/**
 * @returns nothing for any other text; case-sensitive.
 *
 * @example
 * parseMembraneOperation("export"); // => "export"
 * parseMembraneOperation("Export"); // => undefined
 */
export function parseMembraneOperation(text: string): MembraneOperation | undefined {
  return MEMBRANE_OPERATIONS.find((operation) => operation === text);
}
