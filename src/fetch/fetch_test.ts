import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { type FetchOptions, fetchSource } from "./fetch.ts";
import { pathOf, type Source } from "./sources.ts";

const content = new Uint8Array(300_000).map((_, i) => i * 7 % 251);
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const source: Source = {
  name: "x.zip",
  url: "https://example.org/data/sub/x.zip",
  bytes: content.length,
  sha256: sha256(content),
};

/** Runs with a fresh folder, and checks afterwards that no partial download is left in it. */
async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
    assert.deepEqual(filesUnder(folder).filter((name) => name.endsWith(".part")), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function filesUnder(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesUnder(join(folder, name)) : [join(folder, name)]
  );
}

/** Runs with a server on this machine. */
async function withServer(
  handler: (request: Request) => Response,
  run: (mirror: string) => Promise<void>,
): Promise<void> {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, handler);
  try {
    await run(`http://127.0.0.1:${server.addr.port}/mirror/`);
  } finally {
    await server.shutdown();
  }
}

async function refuses(source: Source, options: FetchOptions, ...messages: RegExp[]): Promise<void> {
  await assert.rejects(fetchSource(source, { patience: 1, ...options }), (error) => {
    assert(error instanceof InputError, String(error));
    for (const message of messages) assert.match(error.message, message);
    return true;
  });
}

async function mirrorOf(folder: string, bytes: Uint8Array): Promise<string> {
  const mirror = join(folder, "mirror"), path = join(mirror, pathOf(source));
  await Deno.mkdir(join(path, ".."), { recursive: true });
  await Deno.writeFile(path, bytes);
  return mirror;
}

Deno.test("fetchSource() copies from a mirror folder, and then reuses the file without the mirror", () =>
  inFolder(async (folder) => {
    const downloads = join(folder, "downloads"), mirror = await mirrorOf(folder, content);
    const path = await fetchSource(source, { downloads, mirror });
    assert.equal(path, join(downloads, "data/sub/x.zip"));
    assert.deepEqual(await Deno.readFile(path), content);
    const fetch = () => assert.fail("the network was asked");
    assert.equal(await fetchSource(source, { downloads, fetch }), path);
  }));

Deno.test("fetchSource() downloads from a mirror address and tells its progress", () =>
  inFolder((downloads) =>
    withServer((request) => {
      assert.equal(new URL(request.url).pathname, "/mirror/data/sub/x.zip");
      return new Response(content);
    }, async (mirror) => {
      const seen: [number, number | null][] = [];
      const path = await fetchSource(source, { downloads, mirror, onProgress: (...now) => seen.push(now) });
      assert.deepEqual(await Deno.readFile(path), content);
      assert.deepEqual(seen.at(-1), [content.length, content.length]);
      assert(seen.every(([bytes], i) => i === 0 || bytes > (seen[i - 1]?.[0] ?? 0)));
    })
  ));

Deno.test("fetchSource() replaces a download whose bytes changed", () =>
  inFolder(async (folder) => {
    const mirror = await mirrorOf(folder, content), path = await fetchSource(source, { downloads: folder, mirror });
    await Deno.writeFile(path, content.slice().reverse());
    await fetchSource(source, { downloads: folder, mirror });
    assert.deepEqual(await Deno.readFile(path), content);
  }));

Deno.test("fetchSource() refuses another sha256, naming both, and keeps nothing", () =>
  inFolder(async (folder) => {
    const other = content.slice();
    other[7] = 1 - (other[7] ?? 0) & 0xff;
    const mirror = await mirrorOf(folder, other), downloads = join(folder, "downloads");
    const both = [new RegExp(`sha256 is ${sha256(other)}`), new RegExp(`expected ${sha256(content)}`)];
    await refuses(source, { downloads, mirror }, /Cannot use "x.zip" from/, ...both);
    assert.deepEqual(filesUnder(downloads), []);
  }));

Deno.test("fetchSource() refuses a file that is too short or too long", () =>
  inFolder(async (folder) => {
    const short = await mirrorOf(folder, content.slice(1));
    await refuses(source, { downloads: folder, mirror: short }, /it has 299999 bytes, expected 300000/);
    const long = await mirrorOf(folder, new Uint8Array([...content, 1]));
    await refuses(source, { downloads: folder, mirror: long }, /it is longer than the 300000 bytes expected/);
  }));

Deno.test("fetchSource() says that the mirror folder has no such file", () =>
  inFolder((folder) =>
    refuses(source, { downloads: folder, mirror: join(folder, "none") }, /no file ".*none\/data\/sub\/x.zip"/)
  ));

Deno.test("fetchSource() tries a failing network three times and then names --mirror", () =>
  inFolder(async (downloads) => {
    let asked = 0;
    const fetch = () => (asked++, Promise.reject(new TypeError("dns error")));
    await refuses(source, { downloads, fetch }, /in 3 attempts: dns error;/, /--mirror .*"data\/sub\/x.zip"/);
    assert.equal(asked, 3);
  }));

Deno.test("fetchSource() goes on after a busy server and after a connection that broke", () =>
  inFolder((downloads) => {
    let asked = 0;
    const broken = () =>
      new ReadableStream({
        start: (controller) => controller.enqueue(content.slice(0, 1000)),
        pull: (controller) => controller.error(new Error("broken")),
      });
    const fetch = () =>
      Promise.resolve(
        [new Response("busy", { status: 503 }), new Response(broken()), new Response(content)][asked++] as Response,
      );
    return fetchSource(source, { downloads, fetch, patience: 1 }).then(async (path) => {
      assert.equal(asked, 3);
      assert.deepEqual(await Deno.readFile(path), content);
    });
  }));

Deno.test("fetchSource() does not ask again for what is not there", () =>
  inFolder((downloads) => {
    let asked = 0;
    return withServer(
      () => (asked++, new Response("no", { status: 404 })),
      (mirror) => refuses(source, { downloads, mirror }, /the server answered 404; pass --mirror/),
    ).then(() => assert.equal(asked, 1));
  }));

Deno.test("fetchSource() expects the digest that the server states, and the one of the first download ever after", () =>
  inFolder(async (folder) => {
    const unknown = { ...source, sha256: null, bytes: null };
    const downloads = join(folder, "downloads"), mirror = await mirrorOf(folder, content.slice(5));
    const serve = (stated: string) =>
      withServer(
        ({ method }) =>
          method === "HEAD"
            ? new Response(null, { status: 302, headers: { "x-linked-etag": `"${stated}"`, location: "/x" } })
            : new Response(content),
        async (mirror) => void await fetchSource(unknown, { downloads, mirror }),
      );
    await assert.rejects(serve(sha256(content.slice(1))), /its sha256 is/);
    await serve(sha256(content));
    await Deno.remove(join(downloads, pathOf(source)));
    await refuses(unknown, { downloads, mirror }, new RegExp(`expected ${sha256(content)}`));
  }));

Deno.test("fetchSource() says what to do where it cannot write", () =>
  inFolder(async (folder) => {
    const mirror = await mirrorOf(folder, content), downloads = join(folder, "file");
    await Deno.writeTextFile(downloads, "");
    await refuses(
      source,
      { downloads, mirror },
      /Cannot write ".*folder.*; free some space, or make the folder writable/,
    );
  }));

Deno.test("fetchSource() says what to do where a folder is in the place of a download, and takes no digest from a note that is cut", () =>
  inFolder(async (folder) => {
    const mirror = await mirrorOf(folder, content), path = join(folder, "downloads", pathOf(source));
    await Deno.mkdir(path, { recursive: true });
    const downloads = join(folder, "downloads");
    await refuses(
      source,
      { downloads, mirror },
      /^Cannot read ".*x\.zip": a folder is in the place of a file; remove it/,
    );
    await Deno.remove(path);
    await Deno.writeTextFile(`${path}.sha256`, source.sha256!.slice(0, 20));
    await fetchSource({ ...source, sha256: null }, { downloads, mirror });
    assert.equal(await Deno.readTextFile(`${path}.sha256`), `${source.sha256}\n`);
  }));
