import type { CapabilityToken } from "capability-protocol";
import type { BodyFraming } from "../http1/downstream.ts";
import type { RequestMemo } from "./request-memo.ts";
import type { Carrier } from "./carrier.ts";

/** What the client sent, without the body. */
export interface RequestHead {
  /** As received: "1.1" or "1.0". */
  readonly httpVersion: string;
  readonly method: string;
  /** Without "?" and query. */
  readonly path: string;
  /** Without "?"; empty if there is none. */
  readonly query: string;
  /** Flat list: name, value, name, value, … as they came, without the token. */
  readonly rawHeaders: readonly string[];
  readonly body: BodyFraming;
  /** Only to find copies of it, which the target must not get. */
  readonly token: CapabilityToken | undefined;
  /** The header that held the token; absent: there was no token. */
  readonly carrier: Carrier | undefined;
  /** Present if the same head has come before on its connection. */
  readonly memo: RequestMemo | undefined;
}
