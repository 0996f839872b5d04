/** Which TensorFlow package the engine `tensorflow` is. Apart from what handles it, since every command names it in fingerprints. */

/** The version of TensorFlow's Node.js binding. */
export const TFJS_NODE = "4.22.0";

/** The npm package with the binding's sources and the backend written on it. */
export const TFJS_NODE_PACKAGE = `npm:@tensorflow/tfjs-node-gpu@${TFJS_NODE}`;
