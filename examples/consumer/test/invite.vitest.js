import * as testing from "entitlement-sidecar/testing";
import { afterAll, beforeAll, beforeEach, describe, test } from "vitest";
import inviteTests from "./invite-tests.cjs";

inviteTests(testing, { describe, test, beforeAll, beforeEach, afterAll });
