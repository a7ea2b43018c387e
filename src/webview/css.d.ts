// esbuild takes the stylesheet out of the import; to TypeScript it is nothing.
declare module "*.css";
