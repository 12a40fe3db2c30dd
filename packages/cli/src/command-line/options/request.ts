import type { AuthorityCapabilityUri } from "capability-protocol";
import { isFieldValue, parseMethod } from "capability-protocol";
import { Failure } from "../../failure/failure.ts";
import type { SecretReader } from "../../secret.ts";
import type { HeaderLine, RequestData } from "../command.ts";
import type { Entry } from "../entry.ts";
import { entry } from "../entry.ts";
import { ACCESS_OPTIONS, readCapability, readTrust, requireResolvable } from "./access.ts";
import { readHeaderLines } from "./header-line.ts";

export const REQUEST_ENTRY: Entry = entry({
  name: "request",
  describe: "Invoke a capability: the answer's body goes to standard output as it comes",
  operand: { name: "URI", describe: "Capability URI, @FILE or @-" },
  options: {
    method: { takes: "text", short: "X", describe: "Method [default: GET, with --data POST]" },
    header: {
      takes: "secret",
      repeats: true,
      short: "H",
      describe: '"Name: value" to send, repeatable; @FILE holds such lines',
    },
    data: { takes: "text", short: "d", describe: "Body: text, @FILE, or @- for standard input" },
    query: { takes: "text", describe: "Query to send, as it stands in a URI: a=b&c=d" },
    output: { takes: "text", short: "o", describe: "File for the body" },
    include: { takes: "switch", short: "i", describe: "Status line and headers before the body" },
    raw: {
      takes: "switch",
      describe: "Write the body as it is on a terminal too, control characters included",
    },
    ...ACCESS_OPTIONS,
    capability: { ...ACCESS_OPTIONS.capability, describe: "The same as URI" },
    profile: { ...ACCESS_OPTIONS.profile, describe: 'Profile to take trusted CAs from [default: "default"]' },
  },
  examples: [
    ["capi request @report.txt", "GET, with the capability in a file"],
    ['capi request @lambda.txt -H "Content-Type: application/json" -d @event.json', "POST"],
    ["tar c . | capi request @upload.txt -X PUT -d @-", "Streams standard input"],
  ],
  async read(given, secrets, operand) {
    const option = await readCapability(given, "capability");
    const capability = await chooseCapability(option, operand, secrets);
    const data = readData(given.text("data"), secrets);
    const headers = readHeaderLines(await given.secrets("header"));
    headers.forEach(requireSendable);
    return {
      name: "request",
      capability,
      trust: readTrust(given),
      method: readMethod(given.text("method")) ?? (data === undefined ? "GET" : "POST"),
      headers,
      data,
      query: readQuery(given.text("query")),
      file: given.text("output"),
      isHeadShown: given.isOn("include") ?? false,
      isRaw: given.isOn("raw") ?? false,
    };
  },
});

async function chooseCapability(
  option: AuthorityCapabilityUri | undefined,
  operand: string | undefined,
  secrets: SecretReader,
): Promise<AuthorityCapabilityUri> {
  if (option !== undefined && operand !== undefined) {
    throw new Failure("--capability: expected without URI, it is the same");
  }
  if (option !== undefined) return option;
  if (operand === undefined) {
    throw new Failure("URI: expected the capability to invoke", "capi request URI, or capi request @FILE");
  }
  return requireResolvable("URI", await secrets.read("URI", operand));
}

function readMethod(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const method = parseMethod(text);
  if (method === undefined) throw new Failure("--method: expected an HTTP method, but CONNECT and TRACE");
  return method;
}

/** Only the choice is made here: a body is read while it is sent. */
function readData(given: string | undefined, secrets: SecretReader): RequestData | undefined {
  if (given === undefined) return undefined;
  if (!given.startsWith("@")) return { kind: "text", text: given };
  if (given !== "@-") return { kind: "file", path: given.slice(1) };
  secrets.claimInput("--data");
  return { kind: "input" };
}

function requireSendable([name, value]: HeaderLine): void {
  if (name.toLowerCase() === "authorization") {
    throw new Failure("--header Authorization: expected none, the capability itself stands there");
  }
  if (!isFieldValue(value)) {
    throw new Failure(`--header ${name}: expected characters up to U+00FF without control characters`);
  }
}

function readQuery(given: string | undefined): string | undefined {
  const query = given?.replace(/^\?/, "");
  if (query === undefined || /^[!"$-~]*$/.test(query)) return query;
  throw new Failure('--query: expected a query as it stands in a URI, percent-encoded: "a=b&c=two%20words"');
}
