import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { startStreamingTarget } from "../../testkit/src/target.ts";
import type { TestTarget } from "../../testkit/src/target.ts";
import CapabilitySDK from "../src/index.ts";
import { runScript } from "./support/run-script.ts";
import { startTlsService } from "./support/tls-service.ts";
import type { TlsService } from "./support/tls-service.ts";

/** A program of the README, and the output that the README shows for it. */
interface Example {
  readonly heading: string;
  readonly source: string;
  readonly prints: string;
  readonly flags: readonly string[];
}

const README = await readFile(new URL("../README.md", import.meta.url), "utf8");
const BLOCK = /^(?:<!-- conditions: (?<conditions>\w+) -->\n)?```(?<language>\w*)\n(?<text>.*?)^```$/gms;

/** Pairs each `js` block with the `text` block after it. */
function examplesOf(readme: string): readonly Example[] {
  const blocks = [...readme.matchAll(BLOCK)];
  const languages = blocks.map(({ groups }) => groups?.["language"]);
  expect(languages).toEqual(blocks.map((_block, at) => (at % 2 === 0 ? "js" : "text")));
  expect(languages.length * 2, "every fence is of a block").toBe(readme.match(/```/g)?.length);
  return blocks.flatMap(({ groups, index }, at) => {
    if (at % 2 === 1) return [];
    const conditions = groups?.["conditions"];
    return {
      heading:
        readme
          .slice(0, index)
          .match(/^#+ .*$/gm)
          ?.at(-1) ?? "",
      source: groups?.["text"] ?? "",
      prints: blocks[at + 1]?.groups?.["text"] ?? "",
      flags: conditions === undefined ? [] : [`--conditions=${conditions}`],
    };
  });
}

const EXAMPLES = examplesOf(README);

test("the README has the programs that run here, and no others", () => {
  expect(EXAMPLES).toHaveLength(11);
  expect(README.match(/require\("capability-sdk"\)|from "capability-sdk"/g)).toHaveLength(EXAMPLES.length);
});

test.each(EXAMPLES)(
  'the example under "$heading" prints the text below it',
  async ({ source, prints, flags }) => {
    await using tls = await startTlsService();
    await using target = await startEcho();
    const result = await runScript(await filledIn(source, tls, target), {
      type: /^import /m.test(source) ? "module" : "commonjs",
      flags,
      // A program with its own CA must not find the CA elsewhere.
      ...(source.includes("trustedCA") ? { ca: tls.ca } : { extraCa: tls.ca }),
    });
    expect(result.stderr).toBe("");
    expect(result.code).toBe(0);
    const printed = result.stdout.replaceAll(tls.authority, "membrane.example.com");
    expect(`${printed.trimEnd()}\n`).toMatch(patternOf(prints));
  },
);

/** Makes a pattern in which `…` matches any text on one line. */
function patternOf(prints: string): RegExp {
  const parts = prints.split("…").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^\\n]+")}$`);
}

/** Starts a target that responds with the request that it received. */
function startEcho(): Promise<TestTarget> {
  return startStreamingTarget((request, response) => {
    void text(request).then((body) => {
      const { search } = new URL(request.url ?? "", "http://target");
      response.end(JSON.stringify({ method: request.method, query: search, body }));
    });
  });
}

/** Replaces the authority, the tokens and the target in an example by those of the test, and nothing else. */
async function filledIn(source: string, tls: TlsService, target: TestTarget): Promise<string> {
  const capabilities = await capabilitiesFor(source, tls, target);
  return source
    .replaceAll(/cpblty:\/\/membrane\.example\.com\/#CPBLTY1-(\w+)…/g, (_uri, kind: string) => {
      const capability = capabilities.get(kind);
      if (capability === undefined) throw new Error(`no capability for ${kind}`);
      return capability;
    })
    .replaceAll("https://api.example.com/", target.url)
    .replaceAll("membrane.example.com", tls.authority);
}

/** Creates a membrane for an example that does not create one. */
async function capabilitiesFor(
  source: string,
  tls: TlsService,
  target: TestTarget,
): Promise<ReadonlyMap<string, string>> {
  const { create, query, deleteSelf } = tls;
  const tenants = { create, query, deleteSelf };
  if (source.includes("CPBLTY1-create…")) return new Map(Object.entries(tenants));
  const client = new CapabilitySDK.Membrane({ tls: { trustedCA: { [tls.authority]: tls.ca } } });
  const { capabilities } = await client.create(create, { id: "my-membrane" });
  const config = { uri: target.url, allowQuery: true };
  const { capability } = await client.export(capabilities.export, config);
  return new Map(Object.entries({ ...tenants, ...capabilities, exported: capability }));
}
