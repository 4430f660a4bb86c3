/** SHA-256 of the DER of NVIDIA's roots. Source: attestation.md §6, "Pinned roots". */

/** NVIDIA Device Identity CA: of GPUs and NVSwitches. */
export const DEVICE_ROOT_SHA256 = '102bf659d5419614c9d8e6aecebc80454eb26b1df6a769ac720b9a690b167b48';

/** NVIDIA CoRIM signing Root CA: of reference values. */
export const RIM_ROOT_SHA256 = '12977b5115acb0381179279fffeb5a8c4d264971ebb32298023a465fa41df5d1';
