import { parseToken, tokenBytes } from "capability-protocol";

/** What a test sends to a target. */
export const REQUEST_CANARIES = { body: "canary-request-body", header: "canary-request-header" } as const;

/** Bytes that must not be found, by their names. */
export type SecretForms = ReadonlyMap<string, Buffer>;

/** Returns the secrets of a store, and of the requests to it, in every form that a file could have. */
export function formsOf({
  tokens,
  secrets,
}: {
  readonly tokens: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
}): SecretForms {
  const forms = new Map<string, Buffer>();
  for (const [name, text] of Object.entries(tokens)) {
    const token = parseToken(text);
    if (token === undefined) throw new Error(`${name} is not a token`);
    forms.set(`token ${name}`, Buffer.from(text));
    addForms(forms, `bytes of ${name}`, Buffer.from(tokenBytes(token)));
  }
  for (const secret of [...Object.values(REQUEST_CANARIES), ...secrets]) {
    addForms(forms, secret, Buffer.from(secret));
    forms.set(`${secret} in UTF-16`, Buffer.from(secret, "utf16le"));
  }
  return forms;
}

function addForms(forms: Map<string, Buffer>, name: string, bytes: Buffer): void {
  forms.set(name, bytes);
  forms.set(`${name} in hex`, Buffer.from(bytes.toString("hex")));
  // The last characters depend on the next bytes: without them, the text is also found within longer ones.
  forms.set(`${name} in base64`, Buffer.from(bytes.toString("base64").replace(/.{2}=*$/, "")));
  forms.set(`${name} in base64url`, Buffer.from(bytes.toString("base64url").slice(0, -2)));
}

/** @throws Error that names the file and the secret that is in it. */
export function expectNothingIn(files: ReadonlyMap<string, Buffer>, forbidden: SecretForms): void {
  for (const [path, bytes] of files) {
    for (const [name, form] of forbidden) {
      if (bytes.includes(form)) throw new Error(`${path} holds ${name}`);
    }
  }
}
