import { writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startMembrane } from "../../scripts/start-membrane.js";

const COMMANDS = fileURLToPath(new URL("../../node_modules/.bin", import.meta.url));
const NAMES = new URL("names.js", import.meta.url).href;
const CURL_SECONDS = 30;

/**
 * @typedef {object} Service
 * @property {string} create URI of the tenant's `create`
 * @property {Readonly<Record<"bash" | "node", Record<string, string>>>} environments with this service as the guide's host
 * @property {() => Promise<void>} end
 */

/**
 * Starts a service with the guide's name, in the reader's home directory.
 *
 * @param {string} home
 * @param {string} host
 * @param {import("./aws.js").Aws} aws
 * @returns {Promise<Service>}
 */
export async function startService(home, host, aws) {
  const environment = { ...resolving(aws.names), ...aws.environment };
  const { capabilities, ca, port, end } = await startMembrane({ home, authority: host, environment });
  await writeFile(join(home, ".curlrc"), curlOptions(host, port, ca));
  const reader = {
    HOME: home,
    PATH: `${COMMANDS}${delimiter}${process.env["PATH"]}`,
    ...resolving({ [host]: String(port) }),
  };
  return {
    create: capabilities.create,
    // capi gets the CA from its profile, curl from its options, Node.js from this variable.
    environments: { bash: reader, node: { ...reader, NODE_EXTRA_CA_CERTS: ca } },
    end,
  };
}

/**
 * @param {Readonly<Record<string, string>>} names
 * @returns {Record<string, string>}
 */
function resolving(names) {
  const list = Object.entries(names).map((entry) => entry.join("="));
  return { NAMES: list.join(","), NODE_OPTIONS: `--import ${NAMES}` };
}

/**
 * Options of curl for the service, so that the guide's commands need no change.
 *
 * @param {string} host
 * @param {number} port
 * @param {string} ca
 */
function curlOptions(host, port, ca) {
  return `connect-to = "${host}:443:127.0.0.1:${port}"
cacert = "${ca}"
silent
show-error
max-time = ${CURL_SECONDS}
write-out = "\\n%{http_code}\\n"
`;
}
