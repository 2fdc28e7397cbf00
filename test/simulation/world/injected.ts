export {
  simSetTimeout as setTimeout,
  simClearTimeout as clearTimeout,
  simSetInterval as setInterval,
  simClearTimeout as clearInterval,
  simSetImmediate as setImmediate,
  simClearTimeout as clearImmediate,
  simPerformance as performance,
  SimDate as Date,
  simRandom,
} from "./globals.js";
