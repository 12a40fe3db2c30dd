import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { readCommandLine } from "../../../../read-command-line.ts";
import { PRESETS } from "./presets.ts";

/* What docs/clients says that a preset is short for. */

async function readPage(name: string) {
  const text = await readFile(
    new URL(`../../../../../../../docs/clients/${name}.md`, import.meta.url),
    "utf8",
  );
  const blocks = (language: string): string[] =>
    Array.from(
      text.matchAll(new RegExp(`^\`\`\`${language}\\n([^\`]*)^\`\`\`$`, "gm")),
      ([, block = ""]) => block,
    );
  return { text, blocks };
}

/** Returns the body of an export, for which each file has this text. */
async function bodyOf(command: string, file: string): Promise<any> {
  const { input } = await readCommandLine(command.trim().split(" ").slice(1), {
    version: "",
    openSecrets: () => ({
      claimStdin: () => {
        throw new Error("no command on a page reads standard input");
      },
      read: async (_option, given) => (given.startsWith("@") ? file : given),
    }),
  });
  return JSON.parse(JSON.stringify((input as { readonly body: object }).body));
}

test.each([
  "openai",
  "anthropic",
  "gemini",
  "octokit",
  "twilio",
  "curl",
  "git",
  "npm",
  "pip",
  "skopeo",
  "uploads",
  "mcp",
  "websocket",
])("the command on the page %s exports the body on it", async (name) => {
  const { text, blocks } = await readPage(name);
  const [, line = ""] = /If `key.txt` contains `([^`]+)`/.exec(text) ?? [];
  expect(await bodyOf(blocks("shell")[0]!, line)).toEqual(JSON.parse(blocks("json")[0]!));
});

test("the command without a preset exports the body on the page of Gemini", async () => {
  const [, command = ""] = /^ {4}(capi membrane export .+)$/m.exec((await readPage("README")).text) ?? [];
  const [body = ""] = (await readPage("gemini")).blocks("json");
  expect(await bodyOf(command, "X-Goog-Api-Key: SECRET")).toEqual(JSON.parse(body));
});

test("--only on the page of MCP has the limits on it", async () => {
  const { blocks } = await readPage("mcp");
  const [example] = blocks("text").map((fields) => JSON.parse(`{${fields}}`));
  const body = await bodyOf(`${blocks("shell")[0]?.trim()} --only greet`, "Authorization: Bearer SECRET");
  expect(body.limits).toEqual(example.limits);
});

test("the commands on the page of AWS export what it says", async () => {
  const { blocks } = await readPage("aws");
  const [command = ""] = blocks("shell");
  const [s3, dynamodb, lambda] = blocks("text").map((example) => JSON.parse(`{${example}}`));
  const narrowed = "s3 --only my-bucket/reports";
  const examples = [
    [command, s3],
    [command.replace(narrowed, "dynamodb"), dynamodb],
    [command.replace(narrowed, "lambda --only NAME"), lambda],
  ];
  for (const [line, example] of examples) {
    const body = await bodyOf(line, "secret");
    expect(body).toMatchObject(example);
    expect(body.limits).toEqual(example.limits);
  }
});

const KEY_LINE = "Authorization: Bearer SECRET";
const AWS_KEY =
  "--aws4-hmac-sha256-region eu-central-1 --aws4-hmac-sha256-aws-access-key-id A --aws4-hmac-sha256-secret-access-key @secret";

/** What the short forms leave out. */
const NEEDED: Readonly<Record<string, string>> = {
  github: "--header @key.txt",
  mcp: "--uri https://mcp.example/mcp",
};

test("the examples of limits for which a preset is the short form have the limits of the preset", async () => {
  const page = await readFile(new URL("../../../../../../../docs/limits.md", import.meta.url), "utf8");
  const examples = Array.from(
    page.matchAll(/\n\n((?: {4}.+\n)+)\n(?:\|.+\n)+\nIn short: `([^`]+)`\./g),
    ([, body = "", short = ""]) => ({ limits: JSON.parse(body.replaceAll("…", "")).limits, short }),
  );
  expect(examples.map(({ short }) => short)).toEqual([
    "--preset github --only o/r",
    "--preset dynamodb",
    "--preset s3 --only bucket/p",
    "--preset mcp --only search",
  ]);
  for (const { limits, short } of examples) {
    const [, name = ""] = short.split(" ");
    const body = await bodyOf(`capi membrane export --id m ${short} ${NEEDED[name] ?? AWS_KEY}`, KEY_LINE);
    expect(body.limits, short).toEqual(limits);
  }
});

const PAGES: Readonly<Record<string, readonly string[]>> = {
  openai: ["openai"],
  anthropic: ["anthropic"],
  github: ["octokit"],
  s3: ["aws"],
  lambda: ["aws"],
  dynamodb: ["aws"],
  mcp: ["mcp"],
  "any-http": ["curl", "git"],
};

test.each([...PRESETS])(
  "the lines that %s prints for its clients are on their pages",
  async (name, preset) => {
    const setups = preset.clients({
      authority: "AUTHORITY",
      token: "TOKEN",
      region: "us-east-1",
      target: { uri: "https://a.test/", allowPath: true, allowQuery: true },
    });
    const pages = await Promise.all(PAGES[name]!.map(readPage));
    for (const [index, { lines }] of setups.entries()) {
      expect(pages[index]?.text).toContain(lines.join("\n").replace("PROJECT", "my-project"));
    }
  },
);
