import type { Carrier } from "../invocation/carrier.ts";
import { CARRIERS } from "../invocation/carrier.ts";
import type { CarrierLine } from "./take-token.ts";

/** The header lines that the service itself reads: the first of each name, and their number where more than one is an error. */
export interface HeadFields {
  hosts: number;
  host: string;
  authorizations: number;
  carriers: CarrierLine[];
  codings: number;
  coding: string;
  length: string | undefined;
  expect: string | undefined;
  operation: string | undefined;
  upgrade: string | undefined;
}

export function collectFields(rawHeaders: readonly string[]): HeadFields {
  const fields: HeadFields = {
    hosts: 0,
    host: "",
    authorizations: 0,
    carriers: [],
    codings: 0,
    coding: "",
    length: undefined,
    expect: undefined,
    operation: undefined,
    upgrade: undefined,
  };
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    if (READ_LENGTHS[name.length] !== true) continue;
    const value = rawHeaders[i + 1] ?? "";
    const lowerCase = name.toLowerCase();
    switch (lowerCase) {
      case "host":
        fields.hosts += 1;
        fields.host = value;
        break;
      case "authorization":
        fields.authorizations += 1;
        // A constant, with which the table of carriers is looked up faster than with a text that was just made.
        fields.carriers.push({ carrier: "authorization", index: i });
        break;
      case "transfer-encoding":
        fields.codings += 1;
        fields.coding = value;
        break;
      case "content-length":
        fields.length ??= value;
        break;
      case "expect":
        fields.expect = appendValue(fields.expect, value);
        break;
      case "upgrade":
        fields.upgrade = appendValue(fields.upgrade, value);
        break;
      case "membrane-operation":
        fields.operation = appendValue(fields.operation, value);
        break;
      default: {
        const carrier = CARRIER_BY_NAME.get(lowerCase);
        if (carrier !== undefined) fields.carriers.push({ carrier, index: i });
      }
    }
  }
  return fields;
}

const CARRIER_BY_NAME: ReadonlyMap<string, Carrier> = new Map(CARRIERS.map((name) => [name, name]));

/** Whether a name of this length is read. Most lines have another, and their names are compared with none. */
const READ_LENGTHS: readonly boolean[] = lengthsOf([
  ...CARRIERS,
  "host",
  "transfer-encoding",
  "content-length",
  "expect",
  "upgrade",
  "membrane-operation",
]);

function lengthsOf(names: readonly string[]): readonly boolean[] {
  const lengths = names.map((name) => name.length);
  return Array.from({ length: Math.max(...lengths) + 1 }, (_, length) => lengths.includes(length));
}

function appendValue(previous: string | undefined, value: string): string {
  return previous === undefined ? value : `${previous}, ${value}`;
}
