/**
 * The page: wires what there is. Nothing is fetched of the stream before somebody presses play.
 */
export {};
