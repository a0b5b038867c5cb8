/** Where a server says what it can do and what it stores in, without a login; 3.10 and later. */
export const SERVER_INFO = "/api/3.0/mlflow/server-info";
