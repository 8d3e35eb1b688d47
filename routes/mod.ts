import { Hono } from "hono";
import { requestId } from "hono/request-id";
import { accessLog } from "../middleware/access_log.ts";
import { answerHeaders } from "../middleware/answer_headers.ts";
import type { AppEnv, RouteGuards } from "../middleware/app_env.ts";
import { clientAddress } from "../middleware/client_address.ts";
import { pagesOf } from "../middleware/cors.ts";
import { headerBounds } from "../middleware/header_bounds.ts";
import { headLength } from "../middleware/head_answers.ts";
import { methodFallback } from "../middleware/method_fallback.ts";
import { reachedAddress } from "../middleware/reached_address.ts";
import { pathOf } from "../middleware/request_path.ts";
import { createErrorHandler, notFound } from "../middleware/problem_details.ts";
import { plainTarget } from "../middleware/request_target.ts";
import { harmlessAnswers } from "../middleware/secure_headers.ts";
import type { Clock } from "../services/support/clock.ts";
import type { Idempotency } from "../services/idempotency/idempotency.ts";
import type { Logger } from "../services/support/log.ts";
import type { Metric } from "../services/support/metrics.ts";
import type { TokenDesk } from "../services/auth/token_desk.ts";
import type { Publisher } from "../services/events/publisher.ts";
import { API_ROOT } from "../services/contact_centre/dialect/paths.ts";
import type { ContactCentreSessions } from "../services/sessions/contact_centre_sessions.ts";
import type { ManagedSessions } from "../services/sessions/managed_sessions.ts";
import type { OwnReads } from "../services/sessions/own_reads.ts";
import type { OptOutDesk } from "../services/sms/opt_out_desk.ts";
import type { PhoneNumbers } from "../services/sms/phone.ts";
import type { SessionService } from "../services/sessions/sessions.ts";
import type { Store } from "../services/store/port/store.ts";
import type { CredentialVault } from "../services/contact_centre/rest/vault.ts";
import type { WebhookService } from "../services/webhooks/webhooks.ts";
import { credentialRoutes } from "./credentials.ts";
import { deliveryRoutes, type ResolveText } from "./deliveries.ts";
import { eventRoutes } from "./events.ts";
import { healthRoutes, type HealthRoutesDependencies } from "./health.ts";
import { ingressRoutes } from "./ingress.ts";
import { smsIngressRoutes, type SmsIngressRoutesDependencies } from "./ingress_sms.ts";
import { meRoutes } from "./me.ts";
import { mediaRoutes, type MediaRoutesDependencies } from "./media.ts";
import { metricsRoutes } from "./metrics.ts";
import { optOutRoutes } from "./opt_outs.ts";
import { sessionRoutes } from "./sessions.ts";
import { smsSessionRoutes } from "./smssessions.ts";
import { tokenRoutes } from "./tokens.ts";
import { webhookKeyRoutes } from "./webhook_keys.ts";
import { webhookRoutes } from "./webhooks.ts";

export interface AppDependencies {
  readonly guards: RouteGuards;
  readonly sessions: SessionService;
  readonly managedSessions: ManagedSessions;
  readonly numbers: PhoneNumbers;
  readonly optOutDesk: OptOutDesk;
  readonly tokenDesk: TokenDesk;
  readonly idempotency: Idempotency;
  readonly contactCentre: ContactCentreSessions;
  readonly ownReads: OwnReads;
  /** Absent in every mode of upstream authentication but `vault`. */
  readonly vault?: CredentialVault | null;
  readonly publisher: Publisher;
  readonly webhooks: WebhookService;
  /** Ends the doubt about a text. */
  readonly resolveText: ResolveText;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly trustProxyHops: number;
  /** Whose pages may call the agent API. */
  readonly corsOrigins: readonly string[];
  /** Whether `PUBLIC_URL` is an https one. */
  readonly httpsOnly: boolean;
  readonly notificationsToken: string | null;
  /** Absent: there is no way in for an SMS provider at all. */
  readonly smsIngress?: Omit<SmsIngressRoutesDependencies, "guards">;
  /** What customers send beside words; null: SMS is off. */
  readonly media: MediaRoutesDependencies["media"];
  readonly metrics: readonly Metric[];
  readonly metricsToken: string | null;
  readonly health: Pick<HealthRoutesDependencies, "keysLoaded" | "draining" | "degraded">;
  /** Deliveries were made due by hand. */
  readonly onDue: () => void;
}

/** Every route of DESIGN §5 behind the middleware that all of them share. */
export function createApp(dependencies: AppDependencies): Hono<AppEnv> {
  const { clock, log, store, guards } = dependencies;
  const app = new Hono<AppEnv>({ getPath: pathOf });
  app.onError(createErrorHandler({ log }));
  app.notFound(notFound);

  app.use(requestId());
  app.use(clientAddress(dependencies));
  app.use(reachedAddress(dependencies));
  app.use(accessLog({ log, clock }));
  app.use(answerHeaders());
  app.use(harmlessAnswers(dependencies));
  app.use(headLength());
  const { corsOrigins: origins } = dependencies;
  if (origins.length > 0) app.use(`${API_ROOT}/*`, pagesOf({ origins }));
  app.use(headerBounds());
  app.use(plainTarget());
  app.use(methodFallback({ app }));

  app.route("/", smsSessionRoutes(dependencies));
  app.route("/", meRoutes(dependencies));
  app.route("/", credentialRoutes({ guards, vault: dependencies.vault ?? null }));
  app.route("/", sessionRoutes(dependencies));
  app.route("/", optOutRoutes(dependencies));
  app.route("/", tokenRoutes(dependencies));
  app.route("/", webhookRoutes(dependencies));
  app.route("/", webhookKeyRoutes(dependencies));
  app.route("/", eventRoutes({ store, guards }));
  app.route("/", deliveryRoutes(dependencies));
  app.route("/", metricsRoutes(dependencies));
  app.route("/", ingressRoutes({ ...dependencies, token: dependencies.notificationsToken }));
  const { smsIngress } = dependencies;
  if (smsIngress !== undefined) app.route("/", smsIngressRoutes({ ...smsIngress, guards }));
  app.route("/", mediaRoutes(dependencies));
  app.route(
    "/",
    healthRoutes({ ...dependencies.health, clock, log, pingStore: () => store.ping() }),
  );
  return app;
}
