import type { HttpAnswer, HttpBody } from "./transport.ts";

/** The answer with its body as it was before it was compressed with gzip or Brotli (RFC 9110 §8.4.1); any other as it is. */
export function decoded(answer: HttpAnswer): HttpAnswer {
  const { headers, body } = answer;
  const coding = headers.get("content-encoding")?.toLowerCase() ?? "";
  return body !== null && /^(x-gzip|gzip|br)$/.test(coding)
    ? { ...answer, body: decompressed(body, coding) }
    : answer;
}

/** By Node's streams: they put out no more at once than is read, however much a few bytes unfold to. */
function decompressed(body: HttpBody, coding: string): HttpBody {
  async function* pieces() {
    for (let piece = await body.read(); piece !== null; piece = await body.read()) yield piece;
  }
  async function open() {
    const [zlib, { Readable }] = await Promise.all([import("node:zlib"), import("node:stream")]);
    const unzip = coding === "br" ? zlib.createBrotliDecompress() : zlib.createGunzip();
    const source = Readable.from(pieces()).on("error", (error) => unzip.destroy(error));
    return { unzip, plain: source.pipe(unzip)[Symbol.asyncIterator]() };
  }
  let opening: ReturnType<typeof open> | null = null;
  return {
    async read() {
      opening ??= open();
      try {
        return (await (await opening).plain.next()).value ?? null;
      } catch (error) {
        await body.cancel();
        throw error;
      }
    },
    async cancel() {
      (await opening)?.unzip.destroy();
      await body.cancel();
    },
  };
}
