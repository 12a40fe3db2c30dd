/** What the requester sent, its body aside. */
export interface RequestHead {
  /** As received: "1.1" or "1.0". */
  readonly httpVersion: string;
  readonly method: string;
  /** Without "?" and query. */
  readonly path: string;
  /** Without "?"; empty if there is none. */
  readonly query: string;
  /** Flat list: name, value, name, value, … as they came. */
  readonly rawHeaders: readonly string[];
  readonly body: BodyFraming;
}

/** How the requester's body is framed; `length` in bytes. */
export type BodyFraming =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly length: number }
  | { readonly kind: "chunked" };
