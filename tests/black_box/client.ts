/** An HTTP client that reads every answer to its end. */

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; throws when it is not. */
  json(): unknown;
  /** From the first byte sent to the last byte read, without what the machine kept from us of it meanwhile. */
  readonly tookMs: number;
}

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is, instead; with `content-type: application/json` unless `headers` say otherwise. */
  readonly body?: BodyInit;
}

/** One caller of Patchbay. */
export interface Client {
  readonly token: string;
  get(path: string): Promise<Answer>;
  post(path: string, json?: unknown): Promise<Answer>;
  put(path: string, json: unknown): Promise<Answer>;
  send(path: string, options: RequestOptions): Promise<Answer>;
  /** `POST /api/v2/me/smssessions/{sessionId}` with this operation. */
  operate(
    sessionId: string,
    operationName: string,
    members?: Readonly<Record<string, unknown>>,
  ): Promise<Answer>;
  /** Accept with a nickname. */
  accept(sessionId: string): Promise<Answer>;
}

const ANSWERED_WITHIN_MS = 15_000;

/** A caller with this token; `url` is asked each time, as Patchbay moves when it is started anew. */
export function createClient(url: () => string, token: string): Client {
  const send = (path: string, options: RequestOptions) =>
    request(url() + path, {
      ...options,
      headers: { authorization: `Bearer ${token}`, ...options.headers },
    });
  const operate = (sessionId: string, operationName: string, members = {}) =>
    send(`/api/v2/me/smssessions/${sessionId}`, { json: { operationName, ...members } });

  return {
    token,
    get: (path) => send(path, {}),
    post: (path, json) => send(path, json === undefined ? { method: "POST" } : { json }),
    put: (path, json) => send(path, { method: "PUT", json }),
    send,
    operate,
    accept: (sessionId) => operate(sessionId, "Accept", { nickname: "Ada" }),
  };
}

/** Sends one request; POST where there is a body and no method is given. */
export async function request(url: string, options: RequestOptions = {}): Promise<Answer> {
  const { json, body = json === undefined ? null : JSON.stringify(json) } = options;
  const headers = new Headers(body === null ? {} : { "content-type": "application/json" });
  for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, value);

  using watch = startWatch();
  const response = await fetch(url, {
    method: options.method ?? (body === null ? "GET" : "POST"),
    headers,
    body,
    redirect: "manual",
    signal: AbortSignal.timeout(ANSWERED_WITHIN_MS),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: () => JSON.parse(text),
    tookMs: watch.tookMs(),
  };
}

const TICK_MS = 20;

/** Counts time by ticks; one that comes late, as on a busy machine, counts as one in time. */
function startWatch(): { tookMs(): number } & Disposable {
  const startedMs = performance.now();
  let dueMs = startedMs + TICK_MS;
  let heldUpMs = 0;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    heldUpMs += Math.max(0, nowMs - dueMs);
    dueMs = nowMs + TICK_MS;
  }, TICK_MS);
  return {
    tookMs: () => performance.now() - startedMs - heldUpMs,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
