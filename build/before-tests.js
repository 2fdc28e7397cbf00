import makeCatalogWorker from "./catalog-worker.js";
import makeInspectorPages from "./inspector-pages.js";

/** What is generated from sources that tests may have changed: none runs with yesterday's. */
export default async function beforeTests() {
  await Promise.all([makeCatalogWorker(), makeInspectorPages()]);
}
