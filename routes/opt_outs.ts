import { type Context, Hono } from "hono";
import type { AppEnv, RouteGuards } from "../middleware/app_env.ts";
import { InvalidBody, InvalidParameter } from "../services/errors.ts";
import type { OptOutDesk, OptOutWord } from "../services/sms/opt_out_desk.ts";
import type { PhoneNumbers } from "../services/sms/phone.ts";
import { isJsonObject } from "../services/support/json_object.ts";
import { filtersIn, JSON_TYPE, listBody, readPage } from "./paging.ts";
import { queryOf } from "./query.ts";
import { readReason } from "./reason.ts";

const MAX_BODY_BYTES = 4 * 1024;

export interface OptOutRoutesDependencies {
  readonly guards: RouteGuards;
  readonly optOutDesk: OptOutDesk;
  readonly numbers: Pick<PhoneNumbers, "toSender">;
}

/** `/v1/opt-outs`: who gets no texts, and people's word on it. */
export function optOutRoutes({ guards, optOutDesk, numbers }: OptOutRoutesDependencies) {
  const mayWrite = guards.agent("opt-outs:write");
  const readBody = guards.jsonBody({ maxBytes: MAX_BODY_BYTES, ifEmpty: "{}" });

  /** The reason is all that a body can say, so there may be none. */
  async function wordOf(c: Context<AppEnv, "/v1/opt-outs/:phone">): Promise<OptOutWord> {
    const phone = await readPhone(c.req.param("phone"), numbers);
    const reason = queryOf(c).reason ?? reasonIn(c.get("body").untrustedJson);
    return { phone, agentId: c.get("agent").id, reason: readReason(reason) };
  }

  const path = "/v1/opt-outs/:phone";
  return new Hono<AppEnv>()
    .get("/v1/opt-outs", guards.agent("opt-outs:read"), async (c) => {
      const query = queryOf(c);
      const { phone: untrustedPhone } = filtersIn(query, ["phone"]);
      const page = readPage(query);
      const found = untrustedPhone === undefined ? await optOutDesk.list(page) : {
        // A plus that nobody has escaped is a blank in a query.
        items: await optOutDesk.find(await readPhone(untrustedPhone.replace(/^ /, "+"), numbers)),
        nextCursor: null,
      };
      return c.body(listBody(found, (view) => JSON.stringify(view)), 200, JSON_TYPE);
    })
    .put(path, mayWrite, readBody, async (c) => c.json(await optOutDesk.close(await wordOf(c))))
    .delete(path, mayWrite, readBody, async (c) => {
      await optOutDesk.open(await wordOf(c));
      return c.body(null, 204);
    });
}

async function readPhone(
  untrustedPhone: string,
  { toSender }: OptOutRoutesDependencies["numbers"],
): Promise<string> {
  // A phone is one, by whichever channel it has written.
  const phone = await toSender(untrustedPhone.replace(/^(?:whatsapp|rcs):/, ""));
  if (phone !== null) return phone;
  // The value is left out: it is somebody's number.
  throw new InvalidParameter(
    "Cannot use phone: expected a telephone number in E.164, such as +14155550123, or a short code",
  );
}

function reasonIn(untrustedJson: unknown): unknown {
  if (isJsonObject(untrustedJson)) return untrustedJson["reason"];
  throw new InvalidBody("Cannot read the body: expected a JSON object with reason, or none");
}
