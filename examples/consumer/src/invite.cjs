/**
 * Invites people to a workspace, if the customer has seats for them.
 *
 * @param {string} sidecar the address of the sidecar: "http://localhost:50051"
 * @returns {Promise<{ invited: boolean, message: string }>}
 */
async function invite(sidecar, customerId, people) {
  const check = await call(sidecar, "GetMeteredEntitlement", {
    customerId,
    featureId: "seats",
    options: { requestedUsage: people.length },
  });
  if (!check.hasAccess) {
    const left = check.entitlement === undefined ? 0 : check.entitlement.usageLimit - check.entitlement.currentUsage;
    return { invited: false, message: check.isFallback ? "Try again in a minute." : `${left} seats are left.` };
  }
  await call(sidecar, "ReportUsage", { customerId, featureId: "seats", value: people.length });
  return { invited: true, message: `Invited ${people.length}.` };
}

async function call(sidecar, method, request) {
  const response = await fetch(`${sidecar}/stigg.sidecar.v1.SidecarService/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message);
  return answer;
}

module.exports = { invite };
