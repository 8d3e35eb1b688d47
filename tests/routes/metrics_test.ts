import assert from "node:assert/strict";
import { metricsRoutes } from "../../routes/metrics.ts";

Deno.test("GET /metrics tells each metric as it stands now, in Prometheus' text format", async () => {
  let losses = 1;
  const app = metricsRoutes({
    metrics: [
      { name: "patchbay_x_live", help: "Those that live", kind: "gauge", read: () => 2.5 },
      { name: "patchbay_losses_total", help: "What was lost", kind: "counter", read: () => losses },
    ],
  });
  await app.request("/metrics");
  losses = 3;
  const answer = await app.request("/metrics");
  assert.match(answer.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  assert.equal(
    await answer.text(),
    [
      "# HELP patchbay_x_live Those that live",
      "# TYPE patchbay_x_live gauge",
      "patchbay_x_live 2.5",
      "",
      "# HELP patchbay_losses_total What was lost",
      "# TYPE patchbay_losses_total counter",
      "patchbay_losses_total 3",
      "",
    ].join("\n"),
  );
});
