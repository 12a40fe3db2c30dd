import { readFile } from "node:fs/promises";

/** What a page of docs/clients tells its reader to do, with the names of its examples replaced by those of a test. */
export interface ClientPage {
  /** The body of the export. */
  exportBody(uri: string): object;
  /** The text of the page's block in this language. */
  block(language: string, names: { readonly token: string; readonly authority: string }): string;
  /** The fields of an export in each block of text. */
  readonly examples: readonly Readonly<Record<string, unknown>>[];
}

/**
 * @param host the target on the page.
 * @param section of the page; default: its beginning.
 */
export async function readClientPage(name: string, host: string, section = ""): Promise<ClientPage> {
  const text = await readFile(new URL(`../../../../docs/clients/${name}.md`, import.meta.url), "utf8");
  const page = section === "" ? text : text.slice(text.indexOf(`\n## ${section}\n`));
  const block = (language: string): string => {
    const [, text] = new RegExp(`^\`\`\`${language}\\n([^\`]*)^\`\`\`$`, "m").exec(page) ?? [];
    if (text === undefined) throw new Error(`docs/clients/${name}.md has no block of ${language}`);
    return text;
  };
  return {
    exportBody(uri) {
      const text = block("json");
      const example = `https://${host}/`;
      if (!text.includes(example)) throw new Error(`docs/clients/${name}.md exports no ${example}`);
      return JSON.parse(text.replace(example, uri));
    },
    block: (language, { token, authority }) =>
      block(language)
        .replaceAll(/\bTOKEN\b/g, token)
        .replaceAll(/\bAUTHORITY\b/g, authority),
    examples: Array.from(page.matchAll(/^```text\n([^`]*)^```$/gm), ([, fields]) =>
      JSON.parse(`{${fields}}`),
    ),
  };
}
