import { after as afterAll, before as beforeAll, beforeEach, describe, test } from "node:test";
import * as testing from "entitlement-sidecar/testing";
import inviteTests from "./invite-tests.cjs";

inviteTests(testing, { describe, test, beforeAll, beforeEach, afterAll });
