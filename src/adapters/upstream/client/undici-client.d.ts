/** The part of undici that is used: its index loads all of it, and makes itself the one behind the runtime's own fetch. */
declare module "undici/lib/dispatcher/client.js" {
  import { Client as Documented } from "undici";
  export default class Client extends Documented {}
}
