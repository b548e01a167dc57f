import 'reflect-metadata';
import { serve } from './serve.js';

await serve(async () => (await import('./app.module.js')).AppModule);
