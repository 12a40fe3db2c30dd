/** The parts of a canonical request in which signers can differ. */
export interface ComparedParts {
  readonly path: string;
  readonly query: string;
  /** The header lines and the list of signed headers. */
  readonly headers: string;
}

export const COMPARED_PARTS = ["path", "query", "headers"] as const;

export function splitCanonicalRequest(text: string): ComparedParts {
  const [, path = "", query = "", ...rest] = text.split("\n");
  return { path, query, headers: rest.slice(0, -1).join("\n") };
}
