/** The package's own version, said to servers. A test holds it to package.json. */
export const VERSION = "0.1.0";
