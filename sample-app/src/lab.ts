import 'reflect-metadata';
import { LabModule } from './lab.module.js';
import { serve } from './serve.js';

await serve(LabModule);
