// What the build puts beside the compiled modules as vendor/uplot.js.
export { default } from "uplot";
