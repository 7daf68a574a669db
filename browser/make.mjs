// Makes what the tests and the screenshots look at.
import { make } from "./pages.mjs";

make();
